// Numbers go to a second process by one pipe, their squares come back by another.
//   node examples/pipe.js
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { PipeReader, PipeWriter, pipe } from 'os-ipc'

if (process.argv[2] === 'worker') await work()
else await ask()

async function ask() {
  // Packets keep message boundaries: each send is one recv.
  const questions = pipe({ packet: true })
  const answers = pipe({ packet: true })
  const worker = spawn(process.execPath, [fileURLToPath(import.meta.url), 'worker'], {
    stdio: ['ignore', 'inherit', 'inherit', questions.reader.fd, answers.writer.fd],
  })
  // The worker has its own now; ours would keep the pipes from ever ending.
  questions.reader.close()
  answers.writer.close()

  console.log(`worker ${worker.pid} has been started by ${process.pid}`)
  for (const number of [2, 3, 5, 7]) {
    await questions.writer.send(String(number))
    console.log(`${number} squared is ${await answers.reader.recv({ timeout: 5000 })}`)
  }
  questions.writer.close()
  console.log(`at the end recv gives ${await answers.reader.recv()}`)
  answers.reader.close()
}

async function work() {
  const questions = PipeReader.fromFd(3)
  const answers = PipeWriter.fromFd(4)
  for await (const question of questions) await answers.send(String(Number(question) ** 2))
  for (const end of [questions, answers]) end.close()
}
