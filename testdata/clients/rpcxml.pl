# Perl, RPC::XML::Client over LWP: us-ascii declared, digit strings as integers.
use strict; use warnings; use utf8;
use RPC::XML; use RPC::XML::Client;
$RPC::XML::ALLOW_NIL = 1;
binmode STDOUT, ':utf8';
my ($url, $user, $password) = @ARGV;
sub client {
    my ($login, $given, @more) = @_;
    my $c = RPC::XML::Client->new($url, @more);
    my ($host) = $url =~ m{//([^/]+)};
    $c->useragent->credentials($host, 'topupd', $login, $given);
    return $c;
}
my $c = client($user, $password);
sub call { my $r = $c->send_request(shift, RPC::XML::struct->new(@_)); die "$r\n" unless ref $r; return $r }
sub value { my $r = call(@_); die $r->string . "\n" if $r->is_fault; return $r->value }
sub check { my ($name, $good, $why) = @_; print $good ? "ok $name\n" : "FAILED $name: $why\n" }
sub double { return RPC::XML::double->new(shift) }
sub threshold { return value('getLowBalance', i_account => 100)->{threshold} }

my $v = value('getLowBalance', i_account => 101);
check('nil-read', !defined $v->{threshold} && exists $v->{threshold} && $v->{result} eq 'OK', join ',', keys %{$v});
value('setLowBalance', i_account => 100, threshold => double(5.25));
my $before = threshold();
value('setLowBalance', i_account => 100, threshold => RPC::XML::nil->new);
check('nil-write', $before == 5.25 && !defined threshold(), $before);
value('setLowBalance', i_account => 100, threshold => double(5.25));
$before = threshold();
value('setLowBalance', i_account => 100, threshold => RPC::XML::string->new(''));
check('empty-null', $before == 5.25 && !defined threshold(), $before);
value('setLowBalance', i_account => 100, charge_amount => 10, notify_by_email => 1);
$v = value('getLowBalance', i_account => 100);
check('ints', $v->{charge_amount} == 10 && $v->{notify_by_email} == 1, $v->{charge_amount});
value('setLowBalance', i_account => 100, threshold => double(1e-05));
print threshold() == 1e-05 && double(1e-05)->as_string !~ /e-/ ? "cannot exponent: writes it out\n" : "FAILED exponent\n";
my %card = (i_account => 100, alias => 'a & b < c > d', i_card_type => 1, number => '4111111111111111', holder => 'A', exp_mm => 12, exp_yy => 2050,
    street_addr1 => '1 Main St', state => 'NY', postal_code => '02134', city => 'Boston', country => 'US', phone => '+15551234567');
my $id = value('addDebitCreditCard', %card)->{i_debit_credit_card};
$v = value('getDebitCreditCardInfo', i_account => 100, i_debit_credit_card => $id);
check('digits', $v->{number} eq '1111' && $v->{postal_code} eq '02134' && $v->{phone} eq '+15551234567' && $v->{alias} eq $card{alias},
    join ',', map { $v->{$_} // 'undef' } qw(number postal_code phone alias));
my @faults = (call('getLowBalance', i_account => 999999), call('getLowBalance'), call('noSuchMethod'));
check('fault', $faults[0]->is_fault && $faults[0]->code == 401 && $faults[0]->string eq 'Wrong i_account'
    && $faults[1]->code == 400 && $faults[1]->string eq 'Parameter i_account is required'
    && $faults[2]->string =~ /do not have a method with that name/, join '|', map { $_->string } @faults);
my $bad = client($user, 'wrong')->send_request('getLowBalance', RPC::XML::struct->new(i_account => 100));
check('password', !ref $bad && $bad =~ /401/, "$bad");
my $kept = client($user, $password, useragent => [ keep_alive => 1 ]);
my @three = map { $kept->send_request('getAccountMinutePlans', RPC::XML::struct->new(i_account => 100)) } 1 .. 3;
check('three', 3 == grep({ ref $_ && $_->value->{result} eq 'OK' } @three), "@three");
my @children;
for (1 .. 50) {
    my $pid = fork;
    if (!$pid) { $c = client($user, $password); my $r = eval { value('getLowBalance', i_account => 100) }; require POSIX; POSIX::_exit($r && $r->{result} eq 'OK' ? 0 : 1) }
    push @children, $pid;
}
my $failed = 0;
for (@children) { waitpid $_, 0; $failed++ if $? }
check('parallel', $failed == 0, "$failed failed");
$RPC::XML::ENCODING = 'utf-8'; # us-ascii has no way to say it
my $text = 'a & b < c > d "é" ц';
value('updateDebitCreditCard', i_account => 100, i_debit_credit_card => $id, alias => RPC::XML::string->new($text));
$v = value('getDebitCreditCardInfo', i_account => 100, i_debit_credit_card => $id);
check('text', $v->{alias} eq $text, $v->{alias});
my @rows;
for my $n (0, 1, 1000) {
    $c = client("rows$n", "rows$n");
    my @list = @{ value('listAccounts')->{accounts} };
    push @rows, scalar(@list) . ($n && $list[-1]{username} ne "a & b <$n> \"é\" ц" ? " $list[-1]{username}" : '');
}
check('rows', "@rows" eq '0 1 1000', "@rows");
$c = client($user, $password);
my @calls = map { { methodName => 'setLowBalance', params => [ { i_account => $_, charge_amount => 10 } ] } } 100, 200, 101;
$v = $c->send_request('system.multicall', \@calls)->value;
check('multicall', $v->[0][0]{result} eq 'OK' && $v->[1]{faultCode} == 401 && $v->[1]{faultString} eq 'Wrong i_account' && $v->[2][0]{result} eq 'OK', "@{$v}");
