<?php
// A panel without any library: XML by hand over curl, replies read with regular expressions.
[, $url, $user, $password] = $argv;
function request($password, $method, $struct) {
    global $url, $user;
    $c = curl_init($url);
    curl_setopt_array($c, [CURLOPT_POST => true, CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPAUTH => CURLAUTH_DIGEST, CURLOPT_USERPWD => "$user:$password", CURLOPT_NOPROXY => '*',
        CURLOPT_POSTFIELDS => "<?xml version='1.0'?><methodCall><methodName>$method</methodName><params><param><value><struct>$struct</struct></value></param></params></methodCall>"]);
    return $c;
}
function member($name, $value) { return "<member><name>$name</name><value>$value</value></member>"; }
function call($method, $struct = '') { global $password; return curl_exec(request($password, $method, $struct)); }
function scalar_of($reply, $name) {
    return preg_match('~<name>' . $name . '</name>\s*<value><([a-z]+)>([^<]*)</\1></value>~', $reply, $m) ? $m[2] : null;
}
function ok($reply) { return preg_match('~<name>result</name>\s*<value><string>OK</string></value>~', $reply) === 1; }
function fault($reply) {
    return preg_match('~<name>faultCode</name>\s*<value><int>(-?\d+)</int></value>.*<name>faultString</name>\s*<value><string>([^<]*)</string></value>~s', $reply, $m) ? [$m[1], $m[2]] : null;
}
function check($name, $good, $why) { echo $good ? "ok $name\n" : "FAILED $name: " . json_encode($why) . "\n"; }

$account = member('i_account', '<int>100</int>');
$v = call('getLowBalance', member('i_account', '<int>101</int>'));
check('nil-read', ok($v) && preg_match('~<name>threshold</name>\s*<value><nil/></value>~', $v), $v);
call('setLowBalance', $account . member('threshold', '<double>5.25</double>'));
$before = scalar_of(call('getLowBalance', $account), 'threshold');
call('setLowBalance', $account . member('threshold', '<nil/>'));
check('nil-write', $before === '5.25' && scalar_of(call('getLowBalance', $account), 'threshold') === null, $before);
call('setLowBalance', $account . member('charge_amount', '<int>10</int>') . member('notify_by_email', '<int>1</int>'));
$v = call('getLowBalance', $account);
check('ints', scalar_of($v, 'charge_amount') === '10.0' && scalar_of($v, 'notify_by_email') === '1', $v);
$v = call('accountCredit', $account . member('amount', '<int>1</int>') . member('currency', 'USD') . member('payment_notes', '<int>02134</int>'));
check('digits', ok($v), $v);
$f = [fault(call('getLowBalance', member('i_account', '<int>999999</int>'))), fault(call('getLowBalance')), fault(call('noSuchMethod'))];
check('fault', $f[0] === ['401', 'Wrong i_account'] && $f[1] === ['400', 'Parameter i_account is required']
    && str_contains($f[2][1], 'do not have a method with that name'), $f);
$c = request('wrong', 'getLowBalance', $account);
curl_exec($c);
check('password', curl_getinfo($c, CURLINFO_RESPONSE_CODE) === 401, curl_getinfo($c, CURLINFO_RESPONSE_CODE));
$multi = curl_multi_init();
$all = [];
for ($i = 0; $i < 50; $i++) { $all[$i] = request($password, 'getLowBalance', $account); curl_multi_add_handle($multi, $all[$i]); }
do { curl_multi_exec($multi, $running); curl_multi_select($multi); } while ($running);
$failed = 0;
foreach ($all as $c) { $failed += !ok(curl_multi_getcontent($c)); }
check('parallel', $failed === 0, $failed);
$text = 'a & b < c > d "é" ц';
$v = call('test.echo', member('value', '<string>' . htmlspecialchars($text, ENT_XML1 | ENT_NOQUOTES) . '</string>'));
check('text', html_entity_decode(scalar_of($v, 'value'), ENT_XML1 | ENT_QUOTES) === $text, $v);
$counts = array_map(fn($n) => preg_match_all('~<name>i_account</name>~', call('test.rows', member('count', "<int>$n</int>"))), [0, 1, 1000]);
check('rows', $counts === [0, 1, 1000], $counts);
