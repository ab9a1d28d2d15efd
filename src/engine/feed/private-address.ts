/** True for an address that is not on the public internet: this machine, a private network, a cloud's own services. */
export function isPrivateAddress(address: string): boolean {
  const host = address
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$|\.$/, '');
  const mapped = /^(?:::ffff:|64:ff9b::)(\d+\.\d+\.\d+\.\d+)$/.exec(host)?.[1];
  const v4 = /^\d+\.\d+\.\d+\.\d+$/.test(mapped ?? host) ? (mapped ?? host).split('.').map(Number) : undefined;
  if (v4 !== undefined) return isPrivateV4(v4);
  if (!host.includes(':')) return isPrivateName(host);
  // The URL parser writes mapped addresses in hexadecimal: ::ffff:7f00:1.
  const hex = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
  if (hex !== null) {
    const [high, low] = [Number.parseInt(hex[1] ?? '', 16), Number.parseInt(hex[2] ?? '', 16)];
    return isPrivateV4([high >> 8, high & 255, low >> 8, low & 255]);
  }
  // 2000::/3 is the public internet; of it, tunnels (Teredo, 6to4) may lead anywhere, and two ranges are for examples.
  return !/^[23][0-9a-f]{3}:/.test(host) || /^2001:(0{0,4}|db8):|^2002:|^3fff:/.test(host);
}

function isPrivateV4([a = 0, b = 0, c = 0]: readonly number[]): boolean {
  return (
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a >= 224 ||
    (a === 100 && b >= 64 && b <= 127) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)))) ||
    (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) ||
    (a === 203 && b === 0 && c === 113)
  );
}

function isPrivateName(name: string): boolean {
  return (
    name === '' || name === 'localhost' || /\.(localhost|local|internal|home\.arpa)$/.test(name) || !name.includes('.')
  );
}
