/** Names as they are typed: in whatever case, and with whatever stands between their words. */

/** The member of that name, or else the only one whose name is spelled alike. */
export function findNamed<M extends { readonly name: string | undefined }>(
  members: readonly M[],
  name: string,
): M | undefined {
  const exact = members.find((member) => member.name === name);
  if (exact !== undefined) return exact;
  const alike = members.filter((member) => member.name !== undefined && plain(member.name) === plain(name));
  return alike.length === 1 ? alike[0] : undefined;
}

const plain = (name: string): string => name.replaceAll(/[_-]/g, "").toLowerCase();
