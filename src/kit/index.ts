/** All that a connector may import. */
export * from './connector.ts';
export { connectorNames, defineConnector, findConnector, getConnector } from './define-connector.ts';
export { folderBeside } from './folder-beside.ts';
export { equalInConstantTime, hmacHex } from './hmac.ts';
export { instantAt, normalize, textAt, valueAt } from './normalize.ts';
export * from './resource.ts';
