#!/usr/bin/env bash
# Deploys the shop.
set -euo pipefail

TARGET=${1:-staging}
readonly TARGET

# Says what happens.
log() {
  echo "[$(date)] $*"
}

# Builds one image,
# and pushes it.
function build_image {
  local name=$1
  docker build -t "$name" . || return 1
  docker push "$name"
}

function clean()
{
  rm -rf build
}

test_log() {
  [[ "$(log hi)" == *hi ]]
}

if [[ $TARGET == production ]]; then
  confirm() {
    read -rp "Sure? " answer
    [[ $answer == y ]]
  }
  confirm
fi

build_image "shop:$TARGET"
log "done"
