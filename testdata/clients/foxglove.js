// Node, @foxglove/xmlrpc: undefined for nil, whole numbers as int.
'use strict';
const { serializeMethodCall, Deserializer } = require('@foxglove/xmlrpc');
const { CustomType } = require('./node_modules/@foxglove/xmlrpc/dist/CustomType') ; // which is not exported
const { exchange, play } = require('./digest');

const [url, ...login] = process.argv.slice(2);
class Double extends CustomType {
  constructor(raw) { super(raw); this.tagName = 'double'; }
}
const caller = (user, password, agent) => async (method, params) => {
  const reply = await exchange(url, user, password, serializeMethodCall(method, [params]), agent);
  return new Deserializer().deserializeMethodResponse(reply);
};
play(caller, login, (text) => new Double(text)).catch((e) => { console.log('FAILED', e); process.exit(1); });
