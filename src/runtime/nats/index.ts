/** The feed to and from NATS JetStream: `supasaasy/nats`. Bring your own connection. */
export { type NatsSinkOptions, natsSink } from './nats-sink.ts';
export { type NatsSourceOptions, natsSource } from './nats-source.ts';
