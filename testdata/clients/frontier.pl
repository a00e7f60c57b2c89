# Perl, Frontier::Client: it sends Basic first, has no nil and dies on one.
use strict; use warnings; use utf8;
use Frontier::Client;
binmode STDOUT, ':utf8';
my ($url, $user, $password) = @ARGV;
sub client {
    my ($login, $given) = @_;
    my $u = $url;
    my ($host) = $url =~ m{//([^/]+)};
    $u =~ s{//}{//$login:$given@};
    my $c = Frontier::Client->new(url => $u, encoding => 'UTF-8');
    $c->{ua}->credentials($host, 'topupd', $login, $given);
    return $c;
}
my $c = client($user, $password);
sub value { my $method = shift; return $c->call($method, {@_}) }
sub fault { my ($client, $method, %in) = @_; eval { $client->call($method, \%in); 1 } and return 'no fault'; return $@ }
sub check { my ($name, $good, $why) = @_; print $good ? "ok $name\n" : "FAILED $name: $why\n" }

my $said = fault($c, 'getLowBalance', i_account => 101);
print $said =~ /nil/ ? "cannot nil-read: dies on nil\n" : "FAILED nil-read: $said\n";
print Frontier::RPC2->new->encode_call('m', { a => undef }) =~ /nil/ ? "FAILED nil-write\n" : "cannot nil-write: has none\n";
sub threshold { return value('getLowBalance', i_account => 100)->{threshold} }
my %card = (i_account => 100, alias => 'a & b < c > d', i_card_type => 1, number => '4111111111111111', holder => 'A', exp_mm => 12, exp_yy => 2050,
    street_addr1 => '1 Main St', state => 'NY', postal_code => '02134', city => 'Boston', country => 'US', phone => '+15551234567');
my $id = value('addDebitCreditCard', %card)->{i_debit_credit_card};
# Without a nil in the answer it reads the policy.
my %whole = (i_account => 100, i_debit_credit_card => $id, br_i_debit_credit_card => $id, br_charge_amount => $c->double(1));
value('setLowBalance', %whole, threshold => $c->double(5.25));
my $before = threshold();
my $v = value('setLowBalance', i_account => 100, threshold => '');
check('empty-null', $before == 5.25 && $v->{result} eq 'OK' && fault($c, 'getLowBalance', i_account => 100) =~ /nil/, $before);
value('setLowBalance', i_account => 100, threshold => 5, charge_amount => 10, notify_by_email => 1);
$v = value('getLowBalance', i_account => 100);
check('ints', $v->{charge_amount} == 10 && $v->{notify_by_email}, $v->{charge_amount});
value('setLowBalance', i_account => 100, threshold => $c->double('1e-05'));
check('exponent', threshold() == 1e-05, threshold());
$v = value('getDebitCreditCardInfo', i_account => 100, i_debit_credit_card => $id);
check('digits', $v->{number} eq '1111' && $v->{postal_code} eq '02134' && $v->{phone} eq '+15551234567' && $v->{alias} eq $card{alias},
    join ',', map { $v->{$_} // 'undef' } qw(number postal_code phone alias));
my @faults = (fault($c, 'getLowBalance', i_account => 999999), fault($c, 'getLowBalance'), fault($c, 'noSuchMethod'));
check('fault', $faults[0] =~ /Wrong i_account/ && $faults[0] =~ /401/ && $faults[1] =~ /Parameter i_account is required/
    && $faults[2] =~ /do not have a method with that name/, join '|', @faults);
my $bad = fault(client($user, 'wrong'), 'accountCredit', i_account => 100, amount => 1, currency => 'USD');
check('password', $bad =~ /401/, $bad);
my $kept = client($user, $password);
$kept->{ua}->conn_cache({ total_capacity => 1 });
my @three = map { $kept->call('getAccountMinutePlans', { i_account => 100 })->{result} } 1 .. 3;
check('three', "@three" eq 'OK OK OK', "@three");
my @children;
for (1 .. 50) {
    my $pid = fork;
    if (!$pid) {
        $c = client($user, $password);
        my $r = eval { value('accountCredit', i_account => 100, amount => 1, currency => 'USD') };
        require POSIX; POSIX::_exit($r && $r->{result} eq 'OK' ? 0 : 1);
    }
    push @children, $pid;
}
my $failed = 0;
for (@children) { waitpid $_, 0; $failed++ if $? }
check('parallel', $failed == 0, "$failed failed");
my $text = 'a & b < c > d "é" ц';
value('updateDebitCreditCard', i_account => 100, i_debit_credit_card => $id, alias => $text); # as references
$v = value('getDebitCreditCardInfo', i_account => 100, i_debit_credit_card => $id);
check('text', $v->{alias} eq $text, $v->{alias});
# Each row has a nil in it.
my @rows = map { $c = client("rows$_", "rows$_"); my $r = eval { value('listAccounts')->{accounts} }; $r ? scalar @{$r} : $@ } 0, 1, 1000;
print $rows[0] eq '0' && $rows[1] =~ /nil/ && $rows[2] =~ /nil/ ? "cannot rows: dies on nil\n" : "FAILED rows: @rows\n";
$c = client($user, $password);
$v = $c->call('system.multicall', [ map { { methodName => 'setLowBalance', params => [ { i_account => $_, charge_amount => 10 } ] } } 100, 200, 101 ]);
check('multicall', $v->[0][0]{result} eq 'OK' && $v->[1]{faultCode} == 401 && $v->[1]{faultString} eq 'Wrong i_account' && $v->[2][0]{result} eq 'OK', "@{$v}");
