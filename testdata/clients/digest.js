// One Digest exchange over a given body: what panels on Node carry with them.
'use strict';
const crypto = require('crypto');
const http = require('http');

const md5 = (s) => crypto.createHash('md5').update(s).digest('hex');

function post(url, body, headers) {
  return new Promise((resolve, reject) => {
    const r = http.request(url, { method: 'POST', headers: { 'Content-Type': 'text/xml', ...headers } }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts).toString('utf8') }));
    });
    r.on('error', reject);
    r.end(body);
  });
}

// exchange posts, answers the one challenge, and gives the reply's text.
async function exchange(url, user, password, body) {
  const first = await post(url, body);
  const challenge = first.headers['www-authenticate'] || '';
  const realm = /realm="([^"]*)"/.exec(challenge);
  const nonce = /nonce="([^"]*)"/.exec(challenge);
  if (first.status !== 401 || !realm || !nonce || !/qop="[^"]*"/.test(challenge)) throw new Error('no challenge: ' + first.status);
  const uri = new URL(url).pathname;
  const cnonce = crypto.randomBytes(8).toString('hex');
  const answer = md5(`${md5(`${user}:${realm[1]}:${password}`)}:${nonce[1]}:00000001:${cnonce}:auth:${md5(`POST:${uri}`)}`);
  const reply = await post(url, body, {
    Authorization: `Digest username="${user}", realm="${realm[1]}", nonce="${nonce[1]}", uri="${uri}", algorithm=MD5, qop=auth, nc=00000001, cnonce="${cnonce}", response="${answer}"`,
  });
  if (reply.status !== 200) throw new Error('HTTP ' + reply.status);
  return reply.body;
}

// play is the panel: call(method, params) resolves to the answer or throws {faultCode, faultString}.
async function play(call, bad) {
  const check = (name, good, why) => console.log(good ? `ok ${name}` : `FAILED ${name}: ${JSON.stringify(why)}`);
  const fault = async (p) => { try { await p; return {}; } catch (e) { return e; } };

  let v = await call('getLowBalance', { i_account: 101 });
  check('nil-read', v.result === 'OK' && 'threshold' in v && v.threshold == null, v);
  await call('setLowBalance', { i_account: 100, threshold: 5.25 });
  const before = (await call('getLowBalance', { i_account: 100 })).threshold;
  await call('setLowBalance', { i_account: 100, threshold: null });
  v = await call('getLowBalance', { i_account: 100 });
  check('nil-write', before === 5.25 && v.threshold == null, v);
  await call('setLowBalance', { i_account: 100, charge_amount: 10, notify_by_email: 1 });
  v = await call('getLowBalance', { i_account: 100 });
  check('ints', v.charge_amount === 10 && v.notify_by_email === true, v);
  v = await call('accountCredit', { i_account: 100, amount: 1, currency: 'USD', payment_notes: '02134' });
  check('digits', v.result === 'OK', v);
  const f = [await fault(call('getLowBalance', { i_account: 999999 })), await fault(call('getLowBalance', {})), await fault(call('noSuchMethod', {}))];
  check('fault', f[0].faultCode === 401 && f[0].faultString === 'Wrong i_account' && f[1].faultCode === 400
    && /do not have a method with that name/.test(f[2].faultString), f);
  const refused = await fault(bad('getLowBalance', { i_account: 100 }));
  check('password', /401/.test(refused.message), refused.message);
  const all = await Promise.all(Array.from({ length: 50 }, () => call('getLowBalance', { i_account: 100 })));
  check('parallel', all.every((r) => r.result === 'OK'), all.length);
  const text = 'a & b < c > d "é" ц';
  v = await call('test.echo', { value: text });
  check('text', v.value === text, v);
  const counts = [];
  for (const n of [0, 1, 1000]) counts.push((await call('test.rows', { count: n })).rows.length);
  check('rows', JSON.stringify(counts) === '[0,1,1000]', counts);
}

module.exports = { exchange, play };
