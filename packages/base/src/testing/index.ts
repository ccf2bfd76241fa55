export { assertProperty, caseCount, runCount, testSeed } from "./random.ts";
