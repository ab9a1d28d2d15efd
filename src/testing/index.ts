/** What tests of your own connectors, consumers and sources need: `supasaasy/testing`. */
export { type MemorySource, memory, toChange } from '../engine/feed/memory-source.ts';
export { type ConformanceCase, type SourceUnderTest, sourceConformance } from './source-conformance.ts';
