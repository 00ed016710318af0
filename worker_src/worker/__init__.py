"""The fleet's program: receive messages from SQS, run the job on each, never lose one."""
