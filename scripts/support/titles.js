/**
 * Guides are called what their first line says, and not by the names of their files. (A front matter would do the same, and
 * stand at the head of each page wherever else it is read.)
 * @param {any} app typedoc's
 */
export function load(app) {
  app.converter.on('resolveBegin', (/** @type {any} */ { project }) => {
    for (const reflection of Object.values(project.reflections)) {
      if (!reflection.isDocument()) continue
      const text = reflection.content.map((/** @type {{ text: string }} */ part) => part.text).join('')
      const title = /^# (.+)$/m.exec(text)?.[1]
      if (title === undefined) throw new Error(`The guide ${reflection.name} has no title`)
      reflection.name = title.replaceAll('`', '')
    }
  })
}
