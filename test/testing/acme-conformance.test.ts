import { describe, it } from 'vitest';
import { connectorConformance } from '../../src/testing/index.ts';
import { acmeSubject } from './acme-subject.ts';

connectorConformance({ describe, it }, acmeSubject());
