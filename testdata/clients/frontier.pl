# Perl, Frontier::Client: it sends Basic first, and dies on nil.
use strict; use warnings; use utf8;
use Frontier::Client;
binmode STDOUT, ':utf8';
my ($url, $user, $password) = @ARGV;
sub client {
    my ($u, $given) = ($url, shift);
    my ($host) = $url =~ m{//([^/]+)};
    $u =~ s{//}{//$user:$given@};
    my $c = Frontier::Client->new(url => $u, encoding => 'UTF-8');
    $c->{ua}->credentials($host, 'topupd', $user, $given);
    return $c;
}
my $c = client($password);
sub value { my $method = shift; return $c->call($method, {@_}) }
sub fault { my ($client, $method, %in) = @_; eval { $client->call($method, \%in); 1 } and return 'no fault'; return $@ }
sub check { my ($name, $good, $why) = @_; print $good ? "ok $name\n" : "FAILED $name: $why\n" }

my $said = fault($c, 'getLowBalance', i_account => 101);
print $said =~ /nil/ ? "cannot nil-read: dies on nil\n" : "FAILED nil-read: $said\n";
value('setLowBalance', i_account => 100, threshold => $c->double(5.25));
my $v = value('setLowBalance', i_account => 100, threshold => '');
check('nil-write', $v->{result} eq 'OK' && fault($c, 'getLowBalance', i_account => 100) =~ /nil/, 'still there');
$v = value('setLowBalance', i_account => 100, charge_amount => 10, notify_by_email => 1);
check('ints', $v->{result} eq 'OK', 'no OK');
$v = value('accountCredit', i_account => 100, amount => 1, currency => 'USD', payment_notes => '02134');
check('digits', $v->{result} eq 'OK', 'no OK');
my @faults = (fault($c, 'getLowBalance', i_account => 999999), fault($c, 'getLowBalance'), fault($c, 'noSuchMethod'));
check('fault', $faults[0] =~ /Wrong i_account/ && $faults[0] =~ /401/ && $faults[1] =~ /Parameter i_account is required/
    && $faults[2] =~ /do not have a method with that name/, join '|', @faults);
my $bad = fault(client('wrong'), 'accountCredit', i_account => 100, amount => 1, currency => 'USD');
check('password', $bad =~ /401/, $bad);
my @children;
for (1 .. 50) {
    my $pid = fork;
    if (!$pid) {
        $c = client($password);
        my $r = eval { value('accountCredit', i_account => 100, amount => 1, currency => 'USD') };
        require POSIX; POSIX::_exit($r && $r->{result} eq 'OK' ? 0 : 1);
    }
    push @children, $pid;
}
my $failed = 0;
for (@children) { waitpid $_, 0; $failed++ if $? }
check('parallel', $failed == 0, "$failed failed");
my $text = 'a & b < c > d';
$v = value('test.echo', value => $text);
check('text', $v->{value} eq $text, $v->{value});
my @counts = map { scalar @{ value('test.rows', count => $_)->{rows} } } 0, 1, 1000;
check('rows', "@counts" eq '0 1 1000', "@counts");
