/**
 * Marks changes of memory that must not be left half done: who is subscribed to what, a message in parts. A time-out can
 * end a job anywhere. If the section is open between jobs, a job was ended inside, and the database ends.
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
