/** The base of the SDK inside a database: the host's own classes. Chosen by the condition `lightcone-host`. */
export {
  ConnectionId,
  description,
  errors,
  Identity,
  Range,
  ScheduleAt,
  SenderError,
  SpacetimeHostError,
  TimeDuration,
  Timestamp,
  Uuid,
} from "lightcone:host@1";
