// Loaded before anything else in a process: moves its wall clock by as many milliseconds as the file says that
// LIGHTCONE_MOVED_CLOCK names.
import { readFileSync } from "node:fs";

const realNow = Date.now;
const path = process.env["LIGHTCONE_MOVED_CLOCK"] ?? "";
Date.now = () => realNow() + Number(readFileSync(path, "latin1"));
