use crate::sandbox::model::Tenant;

#[test]
fn show() {
    for n in [500, 2000] {
        let tenant = Tenant::company(n, 1);
        for sku in tenant.skus() {
            println!("{} {:?} {}", sku.part_number, sku.units, sku.consumed);
        }
        for user in tenant.users().iter().take(8) {
            println!("{} {} {:?}", user.principal_name, user.display_name, user.on_premises);
        }
        for g in tenant.groups() {
            println!("{} {}", g.name, g.members.len());
        }
    }
}
