/** Options of `publish` whose value is optional: it needs `=`, or the database's name would be taken for it. */

const bare: Readonly<Record<string, string>> = {
  "-c": "--delete-data=always",
  "--delete-data": "--delete-data=always",
  "--clear-database": "--delete-data=always",
  "-y": "--yes=all",
  "--yes": "--yes=all",
};

/** The arguments with the values that such options have when they stand alone. */
export function fillOptionalValues(args: readonly string[]): readonly string[] {
  if (args.find((arg) => !arg.startsWith("-")) !== "publish") return args;
  const end = args.indexOf("--");
  return args.map((arg, index) => {
    if (end >= 0 && index > end) return arg;
    const [, option, value] = /^(-c|-y|--clear-database)=(.*)$/.exec(arg) ?? [];
    if (option !== undefined) return `${option === "-y" ? "--yes" : "--delete-data"}=${value ?? ""}`;
    return bare[arg] ?? arg;
  });
}
