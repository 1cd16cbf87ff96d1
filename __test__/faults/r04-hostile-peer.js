import { meetEnemy } from '../support/hostile.js'

export default {
  id: 'R4',
  campaign: 'hostile',
  promise:
    'an enemy that writes random words over all that both have is ERR_IPC_CORRUPT: no crash, no call without end, no memory without bound',
  fits: (kind) => kind.ring,
  short: 1500,

  async run(_kind, context) {
    const figures = await meetEnemy(context.ms / 1000, context.random.seed())
    context.round(figures.calls)
    return figures
  },
}
