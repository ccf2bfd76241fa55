/** What is wrong with a description, collected so that an author sees all of it at once. */

/** How many problems are reported; of the others only their number. */
export const problemsMax = 100;

export class Problems {
  private readonly texts: string[] = [];
  private untold = 0;
  private readonly tell: (text: string) => void;

  /** @param tell where problems go instead of here */
  constructor(tell?: (text: string) => void) {
    this.tell =
      tell ??
      ((text) => {
        if (this.texts.length < problemsMax) this.texts.push(text);
        else this.untold += 1;
      });
  }

  add(text: string): void {
    this.tell(text);
  }

  /** The problems of a part: told here, behind what the part is. */
  within(part: string): Problems {
    return new Problems((text) => this.add(`${part}: ${text}`));
  }

  get isEmpty(): boolean {
    return this.texts.length === 0;
  }

  /** The texts, each once, in the order found. */
  list(): readonly string[] {
    const texts = [...new Set(this.texts)];
    return this.untold === 0 ? texts : [...texts, `and ${this.untold} more`];
  }
}

/**
 * A namespace: every name belongs to one owner.
 *
 * An owner may claim the same name twice, as when its source and canonical names agree.
 */
export class Namespace {
  private readonly holders = new Map<string, { readonly owner: object; readonly text: string }>();
  private readonly problems: Problems;

  constructor(problems: Problems) {
    this.problems = problems;
  }

  /** `name`, or with a number behind it where that belongs to somebody. For names that nobody chose. */
  free(name: string): string {
    let made = name;
    for (let number = 2; this.holders.has(made); number += 1) made = `${name}_${number}`;
    return made;
  }

  /** `owner` is told apart by identity; `text` says what it is. */
  claim(name: string, owner: object, text: string): void {
    const holder = this.holders.get(name);
    if (holder === undefined) this.holders.set(name, { owner, text });
    else if (holder.owner !== owner) this.problems.add(`the name \`${name}\` belongs to ${holder.text} and to ${text}`);
  }
}
