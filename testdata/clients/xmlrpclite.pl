# Perl, XMLRPC::Lite over LWP.
use strict; use warnings; use utf8;
use XMLRPC::Lite;
binmode STDOUT, ':utf8';
my ($url, $user, $password) = @ARGV;
sub client {
    my ($login, $given, @more) = @_;
    my ($host) = $url =~ m{//([^/]+)};
    my $c = XMLRPC::Lite->proxy($url, @more);
    $c->transport->credentials($host, 'topupd', $login, $given);
    return $c;
}
my $c = client($user, $password);
sub call { my $method = shift; return $c->call($method, {@_}) }
sub value { my $r = call(@_); die $r->faultstring . "\n" if $r->fault; return $r->result }
sub check { my ($name, $good, $why) = @_; print $good ? "ok $name\n" : "FAILED $name: $why\n" }
sub double { return XMLRPC::Data->type(double => shift) }
sub threshold { return value('getLowBalance', i_account => 100)->{threshold} }
sub decoded { my $s = shift; utf8::decode($s) unless utf8::is_utf8($s); return $s }

my $v = value('getLowBalance', i_account => 101);
check('nil-read', !defined $v->{threshold} && exists $v->{threshold}, join ',', map { $_ // 'undef' } %{$v});
value('setLowBalance', i_account => 100, threshold => double(5.25));
my $before = threshold();
value('setLowBalance', i_account => 100, threshold => undef);
print $before == 5.25 && !defined threshold() && XMLRPC::Serializer->envelope(method => 'm', { a => undef }) =~ m{<value />}
    ? "cannot nil-write: an empty value\n" : "FAILED nil-write\n";
value('setLowBalance', i_account => 100, threshold => double(5.25));
$before = threshold();
value('setLowBalance', i_account => 100, threshold => XMLRPC::Data->type(string => ''));
check('empty-null', $before == 5.25 && !defined threshold(), $before);
value('setLowBalance', i_account => 100, charge_amount => 10, notify_by_email => 1);
$v = value('getLowBalance', i_account => 100);
check('ints', $v->{charge_amount} == 10 && $v->{notify_by_email} == 1, $v->{charge_amount});
value('setLowBalance', i_account => 100, threshold => double(1e-05));
check('exponent', threshold() == 1e-05, threshold());
my %card = (i_account => 100, alias => 'a & b < c > d', i_card_type => 1, number => '4111111111111111', holder => 'A', exp_mm => 12, exp_yy => 2050,
    street_addr1 => '1 Main St', state => 'NY', postal_code => '02134', city => 'Boston', country => 'US', phone => '+15551234567');
my $id = value('addDebitCreditCard', %card)->{i_debit_credit_card};
$v = value('getDebitCreditCardInfo', i_account => 100, i_debit_credit_card => $id);
check('digits', $v->{number} eq '1111' && $v->{postal_code} eq '02134' && $v->{phone} eq '+15551234567' && $v->{alias} eq $card{alias},
    join ',', map { $v->{$_} // 'undef' } qw(number postal_code phone alias));
my @faults = (call('getLowBalance', i_account => 999999), call('getLowBalance'), call('noSuchMethod'));
check('fault', $faults[0]->faultcode == 401 && $faults[0]->faultstring eq 'Wrong i_account'
    && $faults[1]->faultcode == 400 && $faults[1]->faultstring eq 'Parameter i_account is required'
    && $faults[2]->faultstring =~ /do not have a method with that name/, join '|', map { $_->faultstring } @faults);
my $bad = eval { client($user, 'wrong')->call('getLowBalance', { i_account => 100 }); 1 } ? 'an answer' : $@;
check('password', $bad =~ /401/, $bad);
my $kept = client($user, $password, keep_alive => 1);
my @three = map { $kept->call('getAccountMinutePlans', { i_account => 100 })->result->{result} } 1 .. 3;
check('three', "@three" eq 'OK OK OK', "@three");
my @children;
for (1 .. 50) {
    my $pid = fork;
    if (!$pid) { $c = client($user, $password); my $r = eval { value('getLowBalance', i_account => 100) }; require POSIX; POSIX::_exit($r && $r->{result} eq 'OK' ? 0 : 1) }
    push @children, $pid;
}
my $failed = 0;
for (@children) { waitpid $_, 0; $failed++ if $? }
check('parallel', $failed == 0, "$failed failed");
my $text = 'a & b < c > d "é" ц';
value('updateDebitCreditCard', i_account => 100, i_debit_credit_card => $id, alias => XMLRPC::Data->type(string => $text));
$v = value('getDebitCreditCardInfo', i_account => 100, i_debit_credit_card => $id);
check('text', decoded($v->{alias}) eq $text, $v->{alias});
my @rows;
for my $n (0, 1, 1000) {
    $c = client("rows$n", "rows$n");
    my @list = @{ value('listAccounts')->{accounts} };
    push @rows, scalar(@list) . ($n && decoded($list[-1]{username}) ne "a & b <$n> \"é\" ц" ? " $list[-1]{username}" : '');
}
check('rows', "@rows" eq '0 1 1000', "@rows");
$c = client($user, $password);
$v = $c->call('system.multicall', [ map { { methodName => 'setLowBalance', params => [ { i_account => $_, charge_amount => 10 } ] } } 100, 200, 101 ])->result;
check('multicall', $v->[0][0]{result} eq 'OK' && $v->[1]{faultCode} == 401 && $v->[1]{faultString} eq 'Wrong i_account' && $v->[2][0]{result} eq 'OK', "@{$v}");
