<?php
// PHP's xmlrpc extension over curl: iso-8859-1 declared, null as an empty string, six decimals.
[, $url, $user, $password] = $argv;
function encoded($method, array $in) {
    return xmlrpc_encode_request($method, $in ?: new stdClass, ['encoding' => 'iso-8859-1', 'escaping' => ['markup', 'non-ascii', 'non-print']]);
}
function request($user, $password, $method, array $in) {
    $c = handle($user, $password);
    curl_setopt($c, CURLOPT_POSTFIELDS, encoded($method, $in));
    return $c;
}
function handle($user, $password) {
    global $url;
    $c = curl_init($url);
    curl_setopt_array($c, [CURLOPT_POST => true, CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPAUTH => CURLAUTH_DIGEST,
        CURLOPT_USERPWD => "$user:$password", CURLOPT_HTTPHEADER => ['Content-Type: text/xml'], CURLOPT_NOPROXY => '*']);
    return $c;
}
function call($method, array $in = []) {
    global $user, $password;
    return xmlrpc_decode(curl_exec(request($user, $password, $method, $in)), 'utf-8');
}
function check($name, $good, $why) { echo $good ? "ok $name\n" : "FAILED $name: " . json_encode($why) . "\n"; }
function threshold() { return call('getLowBalance', ['i_account' => 100])['threshold']; }

$v = call('getLowBalance', ['i_account' => 101]);
check('nil-read', $v['result'] === 'OK' && array_key_exists('threshold', $v) && $v['threshold'] === null, $v);
call('setLowBalance', ['i_account' => 100, 'threshold' => 5.25]);
$before = threshold();
call('setLowBalance', ['i_account' => 100, 'threshold' => null]);
echo $before === 5.25 && threshold() === null && str_contains(encoded('m', ['a' => null]), '<string/>') ? "cannot nil-write: the empty string\n" : "FAILED nil-write\n";
call('setLowBalance', ['i_account' => 100, 'threshold' => 5.25]);
$before = threshold();
call('setLowBalance', ['i_account' => 100, 'threshold' => '']);
check('empty-null', $before === 5.25 && threshold() === null, $before);
call('setLowBalance', ['i_account' => 100, 'charge_amount' => 10, 'notify_by_email' => 1]);
$v = call('getLowBalance', ['i_account' => 100]);
check('ints', $v['charge_amount'] === 10.0 && $v['notify_by_email'] === true, $v);
call('setLowBalance', ['i_account' => 100, 'threshold' => 1e-05]);
echo threshold() === 1e-05 && str_contains(encoded('m', [1e-05]), '0.000010<') ? "cannot exponent: six decimals\n" : "FAILED exponent\n";
$card = ['i_account' => 100, 'alias' => 'a & b < c > d', 'i_card_type' => 1, 'number' => '4111111111111111', 'holder' => 'A', 'exp_mm' => 12, 'exp_yy' => 2050,
    'street_addr1' => '1 Main St', 'state' => 'NY', 'postal_code' => '02134', 'city' => 'Boston', 'country' => 'US', 'phone' => '+15551234567'];
$one = ['i_account' => 100, 'i_debit_credit_card' => call('addDebitCreditCard', $card)['i_debit_credit_card']];
$v = call('getDebitCreditCardInfo', $one);
check('digits', [$v['number'], $v['postal_code'], $v['phone'], $v['alias']] === ['1111', '02134', '+15551234567', $card['alias']], $v);
$f = [call('getLowBalance', ['i_account' => 999999]), call('getLowBalance'), call('noSuchMethod')];
check('fault', xmlrpc_is_fault($f[0]) && $f[0]['faultCode'] === 401 && $f[0]['faultString'] === 'Wrong i_account' && $f[1]['faultCode'] === 400
    && $f[1]['faultString'] === 'Parameter i_account is required' && str_contains($f[2]['faultString'], 'do not have a method with that name'), $f);
$c = request($user, 'wrong', 'getLowBalance', ['i_account' => 100]);
$body = curl_exec($c);
check('password', curl_getinfo($c, CURLINFO_RESPONSE_CODE) === 401 && !str_contains($body, 'methodResponse'), $body);
$kept = handle($user, $password);
curl_setopt($kept, CURLOPT_POSTFIELDS, encoded('getAccountMinutePlans', ['i_account' => 100]));
$three = array_map(fn($i) => xmlrpc_decode(curl_exec($kept), 'utf-8')['result'], [1, 2, 3]);
check('three', $three === ['OK', 'OK', 'OK'], $three);
$multi = curl_multi_init();
$all = [];
for ($i = 0; $i < 50; $i++) {
    $all[$i] = request($user, $password, 'getLowBalance', ['i_account' => 100]);
    curl_multi_add_handle($multi, $all[$i]);
}
do { curl_multi_exec($multi, $running); curl_multi_select($multi); } while ($running);
$failed = 0;
foreach ($all as $c) { $failed += (xmlrpc_decode(curl_multi_getcontent($c), 'utf-8')['result'] ?? '') !== 'OK'; }
check('parallel', $failed === 0, $failed);
$text = 'a & b < c > d "é"'; // what iso-8859-1 has
call('updateDebitCreditCard', $one + ['alias' => iconv('UTF-8', 'ISO-8859-1', $text)]);
$v = call('getDebitCreditCardInfo', $one);
check('text', $v['alias'] === $text, $v);
$rows = [];
foreach ([0, 1, 1000] as $n) {
    $list = xmlrpc_decode(curl_exec(request("rows$n", "rows$n", 'listAccounts', [])), 'utf-8')['accounts'];
    $rows[] = $n && $list[$n - 1]['username'] !== "a & b <$n> \"é\" ц" ? $list[$n - 1] : count($list);
}
check('rows', $rows === [0, 1, 1000], $rows);
$calls = array_map(fn($id) => ['methodName' => 'setLowBalance', 'params' => [['i_account' => $id, 'charge_amount' => 10]]], [100, 200, 101]);
$v = call('system.multicall', [$calls]);
check('multicall', $v[0][0]['result'] === 'OK' && $v[1]['faultCode'] === 401 && $v[1]['faultString'] === 'Wrong i_account' && $v[2][0]['result'] === 'OK', $v);
