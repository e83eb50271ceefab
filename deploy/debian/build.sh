#!/usr/bin/env bash
# The Debian package: build.sh BINARY FOLDER puts weir_VERSION_ARCH.deb into the folder and prints its path.
#
# Environment:
#   VERSION              default: from git; v1.2.3 is 1.2.3, a commit without a tag 0~git20260301.93bc403
#   ARCH                 of the binary; default: this machine's
#   COMPRESSION          xz; gzip is quicker
#   SOURCE_DATE_EPOCH    default: when the commit was made; the same input gives the same package
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
binary=$1
out=$2
arch=${ARCH:-$(dpkg --print-architecture)}

commit=$(git -C "$root" log -1 --format=%h 2>/dev/null || echo unknown)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0)}
version=${VERSION:-$(git -C "$root" describe --tags --exact-match --match 'v*' 2>/dev/null || echo "0~git$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d).$commit")}
version=${version#v}
maintainer="weir developers <weir@weirstream.example>"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 0755 "$tree"

# ---- what is in it --------------------------------------------------------------------------------------------------------

install -D -m 0755 "$binary" "$tree/usr/bin/weir"
install -D -m 0644 "$here/../systemd/weir@.service" "$tree/lib/systemd/system/weir@.service"
install -D -m 0644 "$here/example.yaml" "$tree/etc/weir/example.yaml"
# What other programs read; documents, which some machines leave out, only link to it.
share=$tree/usr/share/weir
install -D -m 0644 "$here/../prometheus/weir.rules.yml" "$share/prometheus/weir.rules.yml"
install -D -m 0644 "$here/../prometheus/prometheus.yml" "$share/prometheus/prometheus.yml"
for file in "$here"/../grafana/dashboards/*.json "$here"/../grafana/provisioning/*/*.yaml; do
	install -D -m 0644 "$file" "$share/grafana/${file#"$here"/../grafana/}"
done
install -D -m 0644 "$here/../../configs/pipeline.schema.json" "$share/pipeline.schema.json"

# Documents lie as in the repository, so that what they link to is there.
doc=$tree/usr/share/doc/weir
install -D -m 0644 "$here/copyright" "$doc/copyright"
install -D -m 0644 "$here/../../README.md" "$doc/README.md"
for page in "$root"/docs/*.{md,yaml,json,jpg} "$root"/docs/decisions/*.md "$root"/bench/RESULTS.md "$root"/bench/plots/*.svg "$root"/deploy/grafana/README.md; do
	install -D -m 0644 "$page" "$doc/${page#"$root"/}"
done
for example in "$root"/configs/examples/*.{yaml,csv}; do
	install -D -m 0644 "$example" "$doc/examples/$(basename "$example")"
done
install -d "$doc/configs"
ln -s ../examples "$doc/configs/examples"
ln -s ../../weir/pipeline.schema.json "$doc/pipeline.schema.json"
ln -s ../../../weir/prometheus "$doc/deploy/prometheus"
ln -s ../../../../weir/grafana/dashboards "$doc/deploy/grafana/dashboards"
ln -s ../../../../weir/grafana/provisioning "$doc/deploy/grafana/provisioning"
install -D -m 0644 "$here/weir.1" "$tree/usr/share/man/man1/weir.1"
gzip -9n "$tree/usr/share/man/man1/weir.1"
install -D -m 0644 "$here/lintian-overrides" "$tree/usr/share/lintian/overrides/weir"

# The shells' completions come from the binary; one of another architecture does not run here.
completions() { # shell, path
	install -d "$(dirname "$tree/$2")"
	if ! "$binary" completion "$1" >"$tree/$2"; then rm -f "$tree/$2"; fi
	chmod 0644 "$tree/$2"
}
completions bash usr/share/bash-completion/completions/weir
completions zsh usr/share/zsh/vendor-completions/_weir
completions fish usr/share/fish/vendor_completions.d/weir.fish

cat >"$tree/changelog" <<END
weir ($version) unstable; urgency=medium

  * Commit $commit. The history is in git.

 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
END
gzip -9nc "$tree/changelog" >"$doc/changelog.gz"
rm "$tree/changelog"

# ---- what dpkg needs ------------------------------------------------------------------------------------------------------

install -d -m 0755 "$tree/DEBIAN"
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@MAINTAINER@/$maintainer/" \
	-e "s/@SIZE@/$(du -sk --apparent-size --exclude=DEBIAN "$tree" | cut -f1)/" "$here/control" >"$tree/DEBIAN/control"
echo /etc/weir/example.yaml >"$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do
	install -m 0755 "$here/$script" "$tree/DEBIAN/$script"
done
(cd "$tree" && find . -path ./DEBIAN -prune -o -type f -print | sed 's,^\./,,' | LC_ALL=C sort | xargs md5sum) >"$tree/DEBIAN/md5sums"
find "$tree" -type d -exec chmod 0755 {} +
find "$tree" -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$out"
package=$out/weir_${version}_$arch.deb
dpkg-deb --root-owner-group -Z"${COMPRESSION:-xz}" --build "$tree" "$package" >&2
echo "$package"
