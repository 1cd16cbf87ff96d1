/** @type {import('../../lib/cli/command.js').Command} */
export const doctor = {
  name: 'doctor',
  summary: 'Try what of the kernel os-ipc uses, and say what does not work here and why',
  options: { json: { type: 'boolean', help: 'One JSON document on stdout, and nothing else there' } },
  details: `
Each feature is tried with objects that nobody sees or that are removed at once.

Exit codes: 0, os-ipc works here, whatever single feature is missing; 1, it cannot work.`,
  async run(call) {
    const { runDoctor } = await import('../doctor/doctor.js')
    return runDoctor(call)
  },
}
