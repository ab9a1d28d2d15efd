/** All that a connector may import. */
export * from './connector.ts';
export { connectorNames, defineConnector, findConnector, getConnector } from './define-connector.ts';
export { folderBeside } from './folder-beside.ts';
export { equalInConstantTime, hmacHex } from './hmac.ts';
export { isoMs } from './instant.ts';
export { ExactNumber, parseJson, stringifyJson } from './json.ts';
export { instantAt, normalize, textAt, valueAt } from './normalize.ts';
export { probeRequest } from './probe-request.ts';
export * from './resource.ts';
