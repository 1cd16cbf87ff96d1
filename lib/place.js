/** The folder of the package. This file is to stand right below it, and so is what it is made part of. */
export const place = new URL('../', import.meta.url)
