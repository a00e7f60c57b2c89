// Node, the xmlrpc package: whole numbers as int.
'use strict';
const { Readable } = require('stream');
const { CustomType } = require('xmlrpc');
const Serializer = require('xmlrpc/lib/serializer');
const Deserializer = require('xmlrpc/lib/deserializer');
const { exchange, play } = require('./digest');

const [url, ...login] = process.argv.slice(2);
class Double extends CustomType {
  constructor(raw) { super(raw); this.tagName = 'double'; }
}
const caller = (user, password, agent) => async (method, params) => {
  const reply = await exchange(url, user, password, Serializer.serializeMethodCall(method, [params]), agent);
  return new Promise((resolve, reject) => {
    new Deserializer().deserializeMethodResponse(Readable.from([reply]), (err, v) => (err ? reject(err) : resolve(v)));
  });
};
play(caller, login, (text) => new Double(text)).catch((e) => { console.log('FAILED', e); process.exit(1); });
