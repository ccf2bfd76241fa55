/** The symbol under which Node's `console.log` asks a value how it is to be shown. Pages know nothing of it. */
export const inspected: unique symbol = Symbol.for("nodejs.util.inspect.custom");
