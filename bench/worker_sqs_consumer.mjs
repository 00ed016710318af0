// npm `sqs-consumer` in batch mode: the handler gets up to ten messages, deletes go in one call.
// Runs in the peer's own folder (bench.worker_peers), with BENCH_POLLERS consumers on one client.
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(process.env.BENCH_MODULES);
const { Consumer } = require("sqs-consumer");
const { SQSClient } = require("@aws-sdk/client-sqs");

const milliseconds = Number(process.env.BENCH_HANDLER_MS);

async function handleMessageBatch(messages) {
  if (milliseconds) {
    await Promise.all(messages.map(() => sleep(milliseconds)));
  }
  return messages;
}

const sqs = new SQSClient({});
for (let poller = 0; poller < Number(process.env.BENCH_POLLERS); poller += 1) {
  const consumer = Consumer.create({
    queueUrl: process.env.BENCH_QUEUE_URL,
    batchSize: 10,
    waitTimeSeconds: 20,
    sqs,
    handleMessageBatch,
  });
  consumer.on("error", (error) => console.error(error));
  consumer.on("processing_error", (error) => console.error(error));
  consumer.start();
}
process.on("SIGTERM", () => process.exit(0));
