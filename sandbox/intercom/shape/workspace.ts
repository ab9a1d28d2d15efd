import { hash32, hex } from '../state/hash.ts';
import { FIRST_NAMES, LAST_NAMES, TAG_NAMES, TEAM_NAMES } from '../state/words.ts';
import { pick, SALT, type World } from '../state/world.ts';

/** Admins, teams, tags and segments: few, and the same for as long as the workspace lives. */
export function adminOf(world: World, index: number): Record<string, unknown> {
  const h = (salt: number): number => hash32(world.seed, SALT.admin + salt, index);
  const first = pick(FIRST_NAMES, h(1));
  const name = `${first} ${pick(LAST_NAMES, h(2))}`;
  const team = world.size.teams > 0 ? [Number(world.ids.team.of(index % world.size.teams))] : [];
  return {
    type: 'admin',
    id: world.ids.admin.of(index),
    email: `agent${index + 1}@workspace.example`,
    name,
    job_title: pick(['Support engineer', 'Account manager', 'Team lead'], h(3)),
    away_mode_enabled: h(4) % 6 === 0,
    away_mode_reassign: false,
    away_status_reason_id: null,
    has_inbox_seat: h(5) % 8 > 0,
    team_ids: team,
    team_priority_level: { primary_team_ids: team, secondary_team_ids: [] },
    avatar: { type: 'avatar', image_url: `https://static.example/avatars/${h(6) % 128}.png` },
  };
}

export function teamOf(world: World, index: number): Record<string, unknown> {
  const admins: number[] = [];
  for (let i = index; i < world.size.admins; i += world.size.teams) admins.push(Number(world.ids.admin.of(i)));
  return {
    type: 'team',
    id: world.ids.team.of(index),
    name: index < TEAM_NAMES.length ? pick(TEAM_NAMES, index) : `Team ${index + 1}`,
    admin_ids: admins,
    admin_priority_level: { primary_admin_ids: admins, secondary_admin_ids: [] },
    assignment_limit: null,
    distribution_method: 'round_robin',
  };
}

export function tagOf(world: World, index: number): { type: 'tag'; id: string; name: string } {
  const name =
    index < TAG_NAMES.length ? pick(TAG_NAMES, index) : `label ${hex(hash32(world.seed, SALT.tag, index), 4)}-${index}`;
  return { type: 'tag', id: world.ids.tag.of(index), name };
}

export function segmentOf(world: World, index: number): Record<string, unknown> {
  const created = world.anchor - 800 * 86_400 + (hash32(world.seed, SALT.segment + 1, index) % 86_400);
  return {
    type: 'segment',
    id: world.ids.segment.of(index),
    name: index === 0 ? 'Active' : index === 1 ? 'New' : `Segment ${index + 1}`,
    created_at: created,
    updated_at: created + (hash32(world.seed, SALT.segment + 2, index) % (700 * 86_400)),
    person_type: index % 3 === 2 ? 'contact' : 'user',
  };
}

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/admins/identifyadmin */
export function meOf(world: World): Record<string, unknown> {
  const { team_ids: _teams, team_priority_level: _level, ...admin } = adminOf(world, 0);
  return {
    ...admin,
    email_verified: true,
    app: {
      type: 'app',
      id_code: world.appId,
      name: 'Sandbox workspace',
      created_at: world.anchor - 1_100 * 86_400,
      secure: false,
      identity_verification: false,
      timezone: world.timezone,
      region: 'US',
    },
  };
}
