#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a release of what is checked out: scripts/release.sh VERSION [--dry-run]
#   1. package.json and CHANGELOG.md get the version, and are committed
#   2. the commit gets a signed or annotated tag vVERSION
#   3. build/release/ gets the notes (that part of CHANGELOG.md) and the bill of materials (CycloneDX)
# Nothing is pushed. With --dry-run only build/release/ is written.
set -eu
cd "$(dirname "$0")/.."

fail() { printf 'release: %s\n' "$*" >&2; exit 1; }

version=${1:-}
printf '%s' "$version" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+$' || fail 'name the version, such as 1.2.3'
dry=${2:-}
[ -z "$dry" ] || [ "$dry" = --dry-run ] || fail "unknown option $dry; allowed: --dry-run"
[ -z "$(git status --porcelain)" ] || fail 'there are changes that are not committed. fix: commit or stash them'
! git rev-parse -q --verify "refs/tags/v$version" >/dev/null || fail "the tag v$version is already there"

notes=$(awk '/^## /{ on = ($2 == "Unreleased"); next } on' CHANGELOG.md | sed -e '/./,$!d')
[ -n "$notes" ] || fail 'CHANGELOG.md has nothing under "## Unreleased". fix: write there what has changed'

mkdir -p build/release
printf '%s\n' "$notes" >build/release/notes.md
npm sbom --sbom-format cyclonedx --omit dev --package-lock-only >build/release/sbom.cdx.json
echo "release: build/release/notes.md and build/release/sbom.cdx.json are written"
[ -z "$dry" ] || { echo "release: a dry run; nothing else has changed"; exit 0; }

npm version --no-git-tag-version "$version" >/dev/null
sed -i "s/^## Unreleased$/## Unreleased\n\n## $version ($(date +%Y-%m-%d))/" CHANGELOG.md
git commit -qam "Release $version"
if git config user.signingkey >/dev/null; then git tag -s "v$version" -F build/release/notes.md; else git tag -a "v$version" -F build/release/notes.md; fi
echo "release: v$version is tagged. Next: git push --follow-tags"
