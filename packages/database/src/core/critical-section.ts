/**
 * Marks changes of memory that are worth nothing half done: who is subscribed to what, a message in parts. A time-out can
 * end a job anywhere; if the section is open between jobs, it was ended in here, and the database with it.
 */
export class CriticalSection {
  isOpen = false;

  /** Runs `work` inside. What it throws leaves the section open. */
  run(work: () => void): void {
    const wasOpen = this.isOpen;
    this.isOpen = true;
    work();
    this.isOpen = wasOpen;
  }
}
