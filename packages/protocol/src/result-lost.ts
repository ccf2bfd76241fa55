/**
 * How a failure begins that is none: the reducer has succeeded, and what it gave is lost with the host that ran it. The protocol has
 * no place to say so but the text of an internal error, which no module words.
 */
export const resultLostStart = "the call has succeeded and stays";
