# Perl, RPC::XML::Client over LWP: us-ascii declared, digit strings as integers.
use strict; use warnings; use utf8;
use RPC::XML; use RPC::XML::Client;
$RPC::XML::ENCODING = 'utf-8'; $RPC::XML::ALLOW_NIL = 1;
binmode STDOUT, ':utf8';
my ($url, $user, $password) = @ARGV;
sub client {
    my $c = RPC::XML::Client->new($url);
    my ($host) = $url =~ m{//([^/]+)};
    $c->useragent->credentials($host, 'topupd', $user, shift);
    return $c;
}
my $c = client($password);
sub call { my $r = $c->send_request(shift, RPC::XML::struct->new(@_)); die "$r\n" unless ref $r; return $r }
sub value { my $r = call(@_); die $r->string . "\n" if $r->is_fault; return $r->value }
sub check { my ($name, $good, $why) = @_; print $good ? "ok $name\n" : "FAILED $name: $why\n" }

my $v = value('getLowBalance', i_account => 101);
check('nil-read', !defined $v->{threshold} && exists $v->{threshold} && $v->{result} eq 'OK', join ',', keys %{$v});
value('setLowBalance', i_account => 100, threshold => RPC::XML::double->new(5.25));
my $before = value('getLowBalance', i_account => 100)->{threshold};
value('setLowBalance', i_account => 100, threshold => RPC::XML::nil->new);
check('nil-write', $before == 5.25 && !defined value('getLowBalance', i_account => 100)->{threshold}, $before);
value('setLowBalance', i_account => 100, charge_amount => 10, notify_by_email => 1);
$v = value('getLowBalance', i_account => 100);
check('ints', $v->{charge_amount} == 10 && $v->{notify_by_email} == 1, $v->{charge_amount});
$v = value('accountCredit', i_account => 100, amount => 1, currency => 'USD', payment_notes => '02134');
check('digits', $v->{result} eq 'OK', 'no OK');
my @faults = (call('getLowBalance', i_account => 999999), call('getLowBalance'), call('noSuchMethod'));
check('fault', $faults[0]->is_fault && $faults[0]->code == 401 && $faults[0]->string eq 'Wrong i_account'
    && $faults[1]->code == 400 && $faults[2]->string =~ /do not have a method with that name/, join '|', map { $_->string } @faults);
my $bad = client('wrong')->send_request('getLowBalance', RPC::XML::struct->new(i_account => 100));
check('password', !ref $bad && $bad =~ /401/, "$bad");
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
$v = value('test.echo', value => RPC::XML::string->new($text));
check('text', $v->{value} eq $text, $v->{value});
my @counts = map { scalar @{ value('test.rows', count => $_)->{rows} } } 0, 1, 1000;
check('rows', "@counts" eq '0 1 1000', "@counts");
