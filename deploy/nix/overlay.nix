# nixpkgs.overlays = [ beadhub.overlays.default ];
final: prev: {
  beadhub = final.callPackage ./package.nix { };
}
