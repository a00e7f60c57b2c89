// Node, the xmlrpc package: whole numbers as int.
'use strict';
const { Readable } = require('stream');
const Serializer = require('xmlrpc/lib/serializer');
const Deserializer = require('xmlrpc/lib/deserializer');
const { exchange, play } = require('./digest');

const [url, user, password] = process.argv.slice(2);
const caller = (given) => async (method, params) => {
  const reply = await exchange(url, user, given, Serializer.serializeMethodCall(method, [params]));
  return new Promise((resolve, reject) => {
    new Deserializer().deserializeMethodResponse(Readable.from([reply]), (err, v) => (err ? reject(err) : resolve(v)));
  });
};
play(caller(password), caller('wrong')).catch((e) => { console.log('FAILED', e); process.exit(1); });
