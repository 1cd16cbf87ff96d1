/** Loaded before everything else (--import), where a process is to die at a step of a channel. */
import { watchSteps } from './steps.js'

watchSteps()
