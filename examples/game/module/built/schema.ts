// Written by Lightcone when the module is built: what a page is built for, for `connect({ …, schema })`.
export const hash = 585769419;
export const load = async (): Promise<object> => (await import("./schema.json", { with: { type: "json" } })).default;
