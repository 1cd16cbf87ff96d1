/** The environment of a program that collects its garbage before it ends, with its children and workers. */
export const collecting = {
  ...process.env,
  NODE_OPTIONS: `--import=${new URL('../fixtures/collect-garbage.js', import.meta.url)} ${process.env.NODE_OPTIONS ?? ''}`,
}
