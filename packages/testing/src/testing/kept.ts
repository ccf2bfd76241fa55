/** State of a module outside of its tables, which none must have: a test changes it to have another module. */
export const kept: { bonus: number } = { bonus: 0 };
