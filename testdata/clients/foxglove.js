// Node, @foxglove/xmlrpc: undefined for nil, whole numbers as int.
'use strict';
const { serializeMethodCall, Deserializer } = require('@foxglove/xmlrpc');
const { exchange, play } = require('./digest');

const [url, user, password] = process.argv.slice(2);
const caller = (given) => async (method, params) => {
  const reply = await exchange(url, user, given, serializeMethodCall(method, [params]));
  return new Deserializer().deserializeMethodResponse(reply);
};
play(caller(password), caller('wrong')).catch((e) => { console.log('FAILED', e); process.exit(1); });
