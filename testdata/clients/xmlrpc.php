<?php
// PHP's xmlrpc extension over curl: iso-8859-1 declared, null as an empty string.
[, $url, $user, $password] = $argv;
function request($password, $method, array $in) {
    global $url, $user;
    $body = xmlrpc_encode_request($method, $in ?: new stdClass, ['encoding' => 'iso-8859-1', 'escaping' => ['markup', 'non-ascii', 'non-print']]);
    $c = curl_init($url);
    curl_setopt_array($c, [CURLOPT_POST => true, CURLOPT_POSTFIELDS => $body, CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPAUTH => CURLAUTH_DIGEST,
        CURLOPT_USERPWD => "$user:$password", CURLOPT_HTTPHEADER => ['Content-Type: text/xml'], CURLOPT_NOPROXY => '*']);
    return $c;
}
function call($method, array $in = []) {
    global $password;
    return xmlrpc_decode(curl_exec(request($password, $method, $in)), 'utf-8');
}
function check($name, $good, $why) { echo $good ? "ok $name\n" : "FAILED $name: " . json_encode($why) . "\n"; }

$v = call('getLowBalance', ['i_account' => 101]);
check('nil-read', $v['result'] === 'OK' && array_key_exists('threshold', $v) && $v['threshold'] === null, $v);
call('setLowBalance', ['i_account' => 100, 'threshold' => 5.25]);
$before = call('getLowBalance', ['i_account' => 100])['threshold'];
call('setLowBalance', ['i_account' => 100, 'threshold' => null]);
$after = call('getLowBalance', ['i_account' => 100]);
check('nil-write', $before === 5.25 && $after['threshold'] === null, $after);
call('setLowBalance', ['i_account' => 100, 'charge_amount' => 10, 'notify_by_email' => 1]);
$v = call('getLowBalance', ['i_account' => 100]);
check('ints', $v['charge_amount'] === 10.0 && $v['notify_by_email'] === true, $v);
$v = call('accountCredit', ['i_account' => 100, 'amount' => 1, 'currency' => 'USD', 'payment_notes' => '02134']);
check('digits', $v === ['result' => 'OK'], $v);
$f = [call('getLowBalance', ['i_account' => 999999]), call('getLowBalance'), call('noSuchMethod')];
check('fault', xmlrpc_is_fault($f[0]) && $f[0]['faultCode'] === 401 && $f[0]['faultString'] === 'Wrong i_account'
    && $f[1]['faultCode'] === 400 && str_contains($f[2]['faultString'], 'do not have a method with that name'), $f);
$c = request('wrong', 'getLowBalance', ['i_account' => 100]);
$body = curl_exec($c);
check('password', curl_getinfo($c, CURLINFO_RESPONSE_CODE) === 401 && !str_contains($body, 'methodResponse'), $body);
$multi = curl_multi_init();
$all = [];
for ($i = 0; $i < 50; $i++) {
    $all[$i] = request($password, 'getLowBalance', ['i_account' => 100]);
    curl_multi_add_handle($multi, $all[$i]);
}
do { curl_multi_exec($multi, $running); curl_multi_select($multi); } while ($running);
$failed = 0;
foreach ($all as $c) { $failed += (xmlrpc_decode(curl_multi_getcontent($c), 'utf-8')['result'] ?? '') !== 'OK'; }
check('parallel', $failed === 0, $failed);
$text = "a & b < c > d \"\xe9\""; // what iso-8859-1 has
$v = call('test.echo', ['value' => $text]);
check('text', $v['value'] === $text || $v['value'] === mb_or_utf8($text), $v);
function mb_or_utf8($s) { return iconv('ISO-8859-1', 'UTF-8', $s); }
$counts = array_map(fn($n) => count(call('test.rows', ['count' => $n])['rows']), [0, 1, 1000]);
check('rows', $counts === [0, 1, 1000], $counts);
