// A controller and a module as any application of Nest has them. The decorators are called as functions, for this repository
// compiles without `experimentalDecorators`: `@Controller('orders') class Orders { @Get(':id') find(@Param('id') id: string) … }`.
import { Controller, Get, Module, Param } from '@nestjs/common'

class Orders {
  find(id: string): { id: string } {
    return { id }
  }
}
const find = Object.getOwnPropertyDescriptor(Orders.prototype, 'find') as TypedPropertyDescriptor<Orders['find']>
Get(':id')(Orders.prototype, 'find', find)
Param('id')(Orders.prototype, 'find', 0)
Controller('orders')(Orders)

/** What Nest is started with. */
export class OrdersModule {}
Module({ controllers: [Orders] })(OrdersModule)
