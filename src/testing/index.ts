/** What tests of your own connectors, consumers and sources need: `supasaasy/testing`. */
export { type MemorySource, memory, toChange } from '../engine/feed/memory-source.ts';
export type { ConnectorCase, ConnectorSubject, TrialAccount, TrialDelivery } from './connector/subject.ts';
export { connectorCases, connectorConformance, type TestRunner } from './connector-conformance.ts';
export { type ConformanceCase, type SourceUnderTest, sourceConformance } from './source-conformance.ts';
