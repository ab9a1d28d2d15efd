import type { Engine } from '../engine.ts';
import type { Fleet } from './fleet.ts';
import { type FleetProblem, fleetProblems } from './problems.ts';

export interface FleetReport {
  readonly fleet: Fleet;
  readonly problems: readonly FleetProblem[];
}

export async function readFleet(engine: Pick<Engine, 'store'>): Promise<FleetReport> {
  const fleet = await engine.store.getFleet();
  return { fleet, problems: fleetProblems(fleet) };
}
