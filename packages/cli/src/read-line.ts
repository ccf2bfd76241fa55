/** One line of a file descriptor, and not a byte more: what follows is the next command's. */
import { read } from "node:fs";
import { promisify } from "node:util";

const readBytes = promisify(read);
/** Between two looks at a pipe that says that it has nothing yet, as one that another process has set so does. */
const lookAgainMs = 20;

/** @returns the line without its end; undefined where there is nothing more */
export async function readLine(descriptor: number): Promise<string | undefined> {
  const bytes: number[] = [];
  const next = Buffer.alloc(1);
  for (;;) {
    const count = await readOne(descriptor, next);
    const [byte = lineEnd] = next;
    if (count === 0 && bytes.length === 0) return undefined;
    if (count === 0 || byte === lineEnd || bytes.length === lineBytesMax) return Buffer.from(bytes).toString("utf8");
    bytes.push(byte);
  }
}

const lineEnd = 10;
/** No answer is longer. */
const lineBytesMax = 4096;

async function readOne(descriptor: number, into: Buffer): Promise<number> {
  for (;;) {
    try {
      return (await readBytes(descriptor, into, 0, 1, null)).bytesRead;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // What cannot be read, such as a directory, answers nothing.
      if (code !== "EAGAIN") return 0;
      await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
    }
  }
}
