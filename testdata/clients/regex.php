<?php
// A panel without any library: XML by hand over curl, replies read with regular expressions.
[, $url, $user, $password] = $argv;
function wrapped($method, $value) {
    return "<?xml version='1.0'?><methodCall><methodName>$method</methodName><params><param><value>$value</value></param></params></methodCall>";
}
function request($user, $password, $method, $struct) {
    global $url;
    $c = curl_init($url);
    curl_setopt_array($c, [CURLOPT_POST => true, CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPAUTH => CURLAUTH_DIGEST, CURLOPT_USERPWD => "$user:$password", CURLOPT_NOPROXY => '*',
        CURLOPT_POSTFIELDS => wrapped($method, "<struct>$struct</struct>")]);
    return $c;
}
function member($name, $value) { return "<member><name>$name</name><value>$value</value></member>"; }
function call($method, $struct = '') { global $user, $password; return curl_exec(request($user, $password, $method, $struct)); }
function scalar_of($reply, $name) {
    return preg_match('~<name>' . $name . '</name>\s*<value><([a-z]+)>([^<]*)</\1></value>~', $reply, $m) ? $m[2] : null;
}
function is_nil($reply, $name) { return preg_match('~<name>' . $name . '</name>\s*<value><nil/></value>~', $reply) === 1; }
function ok($reply) { return preg_match('~<name>result</name>\s*<value><string>OK</string></value>~', $reply) === 1; }
const FAULT = '~<name>faultCode</name>\s*<value><int>(-?\d+)</int></value>.*?<name>faultString</name>\s*<value><string>([^<]*)</string></value>~s';
function fault($reply) { return preg_match(FAULT, $reply, $m) ? [$m[1], $m[2]] : null; }
function escaped($s) { return htmlspecialchars($s, ENT_XML1 | ENT_NOQUOTES); }
function plain($s) { return html_entity_decode($s, ENT_XML1 | ENT_QUOTES); }
function check($name, $good, $why) { echo $good ? "ok $name\n" : "FAILED $name: " . json_encode($why) . "\n"; }
function threshold() { return scalar_of(call('getLowBalance', member('i_account', '<int>100</int>')), 'threshold'); }

$account = member('i_account', '<int>100</int>');
$v = call('getLowBalance', member('i_account', '<int>101</int>'));
check('nil-read', ok($v) && is_nil($v, 'threshold'), $v);
foreach (['nil-write' => '<nil/>', 'empty-null' => ''] as $name => $null) {
    call('setLowBalance', $account . member('threshold', '<double>5.25</double>'));
    $before = threshold();
    call('setLowBalance', $account . member('threshold', $null));
    check($name, $before === '5.25' && is_nil(call('getLowBalance', $account), 'threshold'), $before);
}
call('setLowBalance', $account . member('charge_amount', '<int>10</int>') . member('notify_by_email', '<int>1</int>'));
$v = call('getLowBalance', $account);
check('ints', scalar_of($v, 'charge_amount') === '10.0' && scalar_of($v, 'notify_by_email') === '1', $v);
call('setLowBalance', $account . member('threshold', '<double>1E-5</double>'));
check('exponent', threshold() === '0.00001', threshold());
$card = '';
foreach (['alias' => 'a &amp; b', 'i_card_type' => '<int>1</int>', 'number' => '<int>4111111111111111</int>', 'holder' => 'A', 'exp_mm' => '<int>12</int>', 'exp_yy' => '<int>2050</int>',
    'street_addr1' => '1 Main St', 'state' => 'NY', 'postal_code' => '<int>02134</int>', 'city' => 'Boston', 'country' => 'US', 'phone' => '<i4>+15551234567</i4>'] as $name => $value) {
    $card .= member($name, $value);
}
$one = $account . member('i_debit_credit_card', '<int>' . scalar_of(call('addDebitCreditCard', $account . $card), 'i_debit_credit_card') . '</int>');
$v = call('getDebitCreditCardInfo', $one);
check('digits', scalar_of($v, 'number') === '1111' && scalar_of($v, 'postal_code') === '02134' && scalar_of($v, 'phone') === '+15551234567', $v);
$f = [fault(call('getLowBalance', member('i_account', '<int>999999</int>'))), fault(call('getLowBalance')), fault(call('noSuchMethod'))];
check('fault', $f[0] === ['401', 'Wrong i_account'] && $f[1] === ['400', 'Parameter i_account is required']
    && str_contains($f[2][1], 'do not have a method with that name'), $f);
$c = request($user, 'wrong', 'getLowBalance', $account);
curl_exec($c);
check('password', curl_getinfo($c, CURLINFO_RESPONSE_CODE) === 401, curl_getinfo($c, CURLINFO_RESPONSE_CODE));
$kept = request($user, $password, 'getAccountMinutePlans', $account);
$three = array_map(fn($i) => ok(curl_exec($kept)), [1, 2, 3]);
check('three', $three === [true, true, true], $three);
$multi = curl_multi_init();
$all = [];
for ($i = 0; $i < 50; $i++) { $all[$i] = request($user, $password, 'getLowBalance', $account); curl_multi_add_handle($multi, $all[$i]); }
do { curl_multi_exec($multi, $running); curl_multi_select($multi); } while ($running);
$failed = 0;
foreach ($all as $c) { $failed += !ok(curl_multi_getcontent($c)); }
check('parallel', $failed === 0, $failed);
$text = 'a & b < c > d "é" ц';
call('updateDebitCreditCard', $one . member('alias', '<string>' . escaped($text) . '</string>'));
$v = scalar_of(call('getDebitCreditCardInfo', $one), 'alias');
check('text', plain($v) === $text && $v === escaped($text), $v);
$rows = [];
foreach ([0, 1, 1000] as $n) {
    $v = curl_exec(request("rows$n", "rows$n", 'listAccounts', ''));
    $list = preg_match('~<name>accounts</name>\s*<value><array><data>(.*?)</data></array>~s', $v, $m) ? $m[1] : 'no list';
    preg_match_all('~<name>username</name>\s*<value><string>([^<]*)</string></value>~', $list, $names);
    $rows[] = $n && plain(end($names[1])) !== "a & b <$n> \"é\" ц" ? end($names[1]) : preg_match_all('~<value><struct>.*?</struct></value>~s', $list);
}
check('rows', $rows === [0, 1, 1000], $rows);
$entries = '';
foreach ([100, 200, 101] as $id) {
    $entries .= '<value><struct>' . member('methodName', '<string>setLowBalance</string>') . member('params', '<array><data><value><struct>'
        . member('i_account', "<int>$id</int>") . member('charge_amount', '<int>10</int>') . '</struct></value></data></array>') . '</struct></value>';
}
$c = request($user, $password, '', '');
curl_setopt($c, CURLOPT_POSTFIELDS, wrapped('system.multicall', "<array><data>$entries</data></array>"));
$v = curl_exec($c);
check('multicall', preg_match_all('~<name>result</name>\s*<value><string>OK</string></value>~', $v) === 2 && fault($v) === ['401', 'Wrong i_account'], $v);
