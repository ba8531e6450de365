# Two ranks on two machines, as far as one machine allows: network namespaces with a cable between them, which is taken off once
# the run has a checkpoint. Everything is gone when the last process ends. Run as: unshare -rnm sh cut-off.sh RUN COMMAND...
set -e
run=$1
shift
mount -t tmpfs none /run # where `ip netns` keeps its names
ip netns add far
ip link add near type veth peer name away netns far
ip addr add 10.9.0.1/30 dev near
ip link set near up
ip link set lo up
ip -n far addr add 10.9.0.2/30 dev away
ip -n far link set away up
ip -n far link set lo up
[ $# -gt 0 ] || exit 0 # all that is needed is there

export WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=1 MASTER_ADDR=10.9.0.1 MASTER_PORT=29577
RANK=0 GLOO_SOCKET_IFNAME=near "$@" >"$run.rank-0" 2>&1 &
first=$!
RANK=1 GLOO_SOCKET_IFNAME=away ip netns exec far "$@" >"$run.rank-1" 2>&1 &
second=$!
until [ -e "$run/checkpoints/step-3" ]; do
  kill -0 $first && kill -0 $second || exit 1
  sleep 0.1
done
ip link set near down
cut=$(date +%s)
set +e
wait $first
echo "rank 0 ended with $? after $(($(date +%s) - cut)) s"
wait $second
echo "rank 1 ended with $? after $(($(date +%s) - cut)) s"
