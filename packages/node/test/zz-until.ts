export const until = async (f: () => unknown) => {
  while (!f()) await new Promise((r) => setTimeout(r, 5))
}
