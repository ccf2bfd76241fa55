export { assertProperty, caseCount, runCount, testSeed } from "./random.ts";
export { hasFixedPlaces } from "./fixed-places.ts";
