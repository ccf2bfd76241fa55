/** Gives every random suite one seed: LIGHTCONE_SEED when set, so that a failure can be replayed. */
import fc from "fast-check";

const seed = process.env["LIGHTCONE_SEED"];
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
