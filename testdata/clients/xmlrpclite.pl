# Perl, XMLRPC::Lite over LWP.
use strict; use warnings; use utf8;
use XMLRPC::Lite;
binmode STDOUT, ':utf8';
my ($url, $user, $password) = @ARGV;
sub client {
    my $given = shift;
    my ($host) = $url =~ m{//([^/]+)};
    my $c = XMLRPC::Lite->proxy($url);
    $c->transport->credentials($host, 'topupd', $user, $given);
    return $c;
}
my $c = client($password);
sub call { my $method = shift; return $c->call($method, {@_}) }
sub value { my $r = call(@_); die $r->faultstring . "\n" if $r->fault; return $r->result }
sub check { my ($name, $good, $why) = @_; print $good ? "ok $name\n" : "FAILED $name: $why\n" }
sub double { return XMLRPC::Data->type(double => shift) }

my $v = value('getLowBalance', i_account => 101);
check('nil-read', !defined $v->{threshold} && exists $v->{threshold}, join ',', map { $_ // 'undef' } %{$v});
value('setLowBalance', i_account => 100, threshold => double(5.25));
my $before = value('getLowBalance', i_account => 100)->{threshold};
value('setLowBalance', i_account => 100, threshold => XMLRPC::Data->type(string => ''));
check('nil-write', $before == 5.25 && !defined value('getLowBalance', i_account => 100)->{threshold}, $before);
value('setLowBalance', i_account => 100, charge_amount => 10, notify_by_email => 1);
$v = value('getLowBalance', i_account => 100);
check('ints', $v->{charge_amount} == 10 && $v->{notify_by_email} == 1, $v->{charge_amount});
$v = value('accountCredit', i_account => 100, amount => 1, currency => 'USD', payment_notes => '02134');
check('digits', $v->{result} eq 'OK', 'no OK');
my @faults = (call('getLowBalance', i_account => 999999), call('getLowBalance'), call('noSuchMethod'));
check('fault', $faults[0]->faultcode == 401 && $faults[0]->faultstring eq 'Wrong i_account'
    && $faults[1]->faultcode == 400 && $faults[2]->faultstring =~ /do not have a method with that name/, join '|', map { $_->faultstring } @faults);
my $bad = eval { client('wrong')->call('getLowBalance', { i_account => 100 }); 1 } ? 'an answer' : $@;
check('password', $bad =~ /401/, $bad);
my @children;
for (1 .. 50) {
    my $pid = fork;
    if (!$pid) { $c = client($password); my $r = eval { value('getLowBalance', i_account => 100) }; require POSIX; POSIX::_exit($r && $r->{result} eq 'OK' ? 0 : 1) }
    push @children, $pid;
}
my $failed = 0;
for (@children) { waitpid $_, 0; $failed++ if $? }
check('parallel', $failed == 0, "$failed failed");
my $text = 'a & b < c > d "é" ц';
$v = value('test.echo', value => XMLRPC::Data->type(string => $text));
utf8::decode($v->{value}) unless utf8::is_utf8($v->{value});
check('text', $v->{value} eq $text, $v->{value});
my @counts = map { scalar @{ value('test.rows', count => $_)->{rows} } } 0, 1, 1000;
check('rows', "@counts" eq '0 1 1000', "@counts");
