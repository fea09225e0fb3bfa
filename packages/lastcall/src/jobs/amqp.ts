import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { Fetching } from './support/fetching.ts';
import { type JobContext, type JobOptions, JobRuns } from './support/runs.ts';

export type { JobContext } from './support/runs.ts';

export interface AmqpOptions extends JobOptions {
  /** How many messages are worked on at once: the channel's prefetch. Default 10. */
  prefetch?: number;
  /** What becomes of a message whose handler throws: dead-lettered or dropped, or back to the queue. Default `reject`. */
  onError?: 'reject' | 'requeue';
}

/** A consumer made by `attachAmqp`. */
export interface AmqpConsumer {
  readonly channel: Channel;
  /** Ends the message with this `messageId`, if it runs in this process; it is dropped. */
  revoke(messageId: string): boolean;
}

/**
 * Consumes a queue (amqplib, RabbitMQ). On drain the consumer is cancelled and messages that were on
 * their way are returned; running ones finish; at the deadline they are returned to the queue at
 * once. The broker marks a returned message `redelivered`, and a quorum queue counts it against its
 * delivery limit: AMQP 0-9-1 knows no return without that. Messages of a killed process are returned
 * by the broker when its connection breaks. The connection is closed among the close hooks.
 */
export async function attachAmqp(
  lifecycle: Lifecycle,
  connection: ChannelModel,
  queue: string,
  handler: (message: ConsumeMessage, context: JobContext) => unknown,
  options: AmqpOptions = {},
): Promise<AmqpConsumer> {
  const runs = new JobRuns(lifecycle, options);
  const channel = await connection.createChannel();
  // A channel that the broker has closed returns its messages by itself.
  channel.on('error', () => undefined);
  await channel.prefetch(options.prefetch ?? 10);
  const work = async (message: ConsumeMessage): Promise<void> => {
    const id = String(message.properties.messageId ?? message.fields.deliveryTag);
    await runs.run(
      id,
      queue,
      async (context) => {
        await handler(message, context);
      },
      async ({ how }) => {
        // A consumer that is being cancelled would be given the message again.
        if (how === 'returned') await fetching.ended();
        if (how === 'completed') channel.ack(message);
        else channel.nack(message, false, how === 'returned' || keeps(how, options));
      },
    );
  };
  const fetching = new Fetching<string>(
    async () => {
      const { consumerTag } = await channel.consume(queue, (message) => {
        // A channel that has closed meanwhile cannot be told, and need not be: the broker has it again.
        if (message) work(message).catch(() => undefined);
      });
      return consumerTag;
    },
    (tag) => channel.cancel(tag),
  );
  await fetching.begin();
  lifecycle.onDrain(`amqp ${queue}`, () => {
    runs.drain();
    return fetching.end();
  });
  lifecycle.onResume(`amqp ${queue}`, () => {
    runs.resume();
    return fetching.begin();
  });
  lifecycle.onClose(`amqp ${queue}`, async () => {
    await fetching.end();
    // The broker answers the close of a channel when it has read every ack before it.
    await channel.close();
    await connection.close();
  });
  return { channel, revoke: (messageId) => runs.revoke(messageId) };
}

const keeps = (how: string, { onError }: AmqpOptions): boolean =>
  how === 'failed' && onError === 'requeue';
